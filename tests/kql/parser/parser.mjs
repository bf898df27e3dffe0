// Microsoft's KQL parser behind a line protocol: a question of JSON a line in, its answer a line out.
//
//   node parser.mjs TABLES.json      TABLES.json: {"Table": {"columns": {"Column": "type"}}}
//
//   {"ask": "check", "text": "..."}  -> {"errors": [{"code", "message"}], "columns": [[name, type]], "open": bool}
//   {"ask": "tokens", "text": "..."} -> [{"kind", "text"}]
//
// `open` says that the result may have more columns than are known. An answer of {"crash": "..."} is
// the parser's own exception. The package is Bridge.NET's output: C# overloads end in $ctorN, and
// lists are asked for their length and items by method.
import fs from 'node:fs';
import {createRequire} from 'node:module';
import readline from 'node:readline';

const load = createRequire(import.meta.url);
load('@kusto/language-service-next/bridge.min.js');
load('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
const {KustoCode, GlobalState, Symbols, Syntax} = globalThis.Kusto.Language;

// Functions of advanced hunting that Kusto lacks: parameters as documented, and a body that has the
// columns which the function adds.
const HUNTING_FUNCTIONS = {
  FileProfile: [
    "(T: (*), column: string = 'SHA1', limit: long = 100)",
    "{ T | extend GlobalPrevalence = long(null), GlobalFirstSeen = datetime(null), " +
      "GlobalLastSeen = datetime(null), Signer = '', Issuer = '', SignerHash = '', " +
      "IsCertificateValid = bool(null), IsRootSignerMicrosoft = bool(null), SignatureState = '', " +
      "IsExecutable = bool(null), ThreatName = '', Publisher = '', SoftwareName = '', " +
      "ProfileAvailability = '' }",
  ],
  DeviceFromIP: [
    "(T: (*), ip: string = '', at: datetime = datetime(null))",
    "{ T | extend DeviceId = '' }",
  ],
  AssignedIPAddresses: [
    "(device: string = '', at: datetime = datetime(null))",
    "{ print Timestamp = now(), IPAddress = '', IPType = '', NetworkAdapterType = '', " +
      "ConnectedNetworks = '' }",
  ],
  SeenBy: ["(T: (*), device: string = '')", "{ T | extend SeenBy = '' }"],
};

// The service takes a column's bare name as the first argument of these; the parser wants a text.
const BARE_COLUMN = /(\binvoke\s+(?:FileProfile|DeviceFromIP|SeenBy)\s*\(\s*)([A-Za-z_]\w*)(?=\s*[,)])/gi;

const KINDS = Object.fromEntries(
  Object.entries(Syntax.SyntaxKind)
    .filter(([, number]) => typeof number === 'number')
    .map(([name, number]) => [number, name]),
);

function listed(list) {
  const arrays = globalThis.System.Array;
  const size = list.getCount ? list.getCount() : (list.Count ?? arrays.getCount(list));
  const item = list.getItem ? place => list.getItem(place) : place => arrays.getItem(list, place);
  return Array.from({length: size}, (_, place) => item(place));
}

function table([name, {columns}]) {
  const symbols = Object.entries(columns).map(
    ([column, type]) => new Symbols.ColumnSymbol(column, Symbols.ScalarTypes.GetSymbol(type)),
  );
  return new Symbols.TableSymbol.$ctor4(name, symbols);
}

function hunting([name, [parameters, body]]) {
  return new Symbols.FunctionSymbol.$ctor16(name, parameters, body, '');
}

const members = [
  ...Object.entries(JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))).map(table),
  ...Object.entries(HUNTING_FUNCTIONS).map(hunting),
];
// the corpus names a database `db`, which is this one
const known = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor('db', members));

const ASKED = {
  check(text) {
    const code = KustoCode.ParseAndAnalyze(text.replace(BARE_COLUMN, "$1'$2'"), known);
    const errors = listed(code.GetDiagnostics()).filter(found => found.Severity === 'Error');
    const result = code.ResultType;
    const columns = result?.Columns ? listed(result.Columns) : [];
    return {
      errors: errors.map(({Code: code, Message: message}) => ({code, message})),
      columns: columns.map(column => [column.Name, column.Type?.Name ?? '']),
      open: Boolean(result?.IsOpen),
    };
  },
  tokens(text) {
    const lexical = KustoCode.Parse(text, GlobalState.Default).GetLexicalTokens();
    return listed(lexical).map(token => ({kind: KINDS[token.Kind] ?? String(token.Kind), text: token.Text}));
  },
};

for await (const line of readline.createInterface({input: process.stdin})) {
  const {ask, text} = JSON.parse(line);
  let answer;
  try {
    answer = ASKED[ask](text);
  } catch (error) {
    answer = {crash: String(error)};
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
