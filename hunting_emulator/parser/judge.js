// Asks Microsoft's parser what it makes of a text. Runs in a bare JavaScript engine.
"use strict";
const Language = Kusto.Language;
const Symbols = Language.Symbols;
const scalar = (name) => Symbols.ScalarTypes.GetSymbol(name);
const listed = (list) => {
  const found = [];
  if (!list) return found;
  const count = list.Count ?? System.Array.getCount(list);
  for (let i = 0; i < count; i++)
    found.push(list.getItem ? list.getItem(i) : System.Array.getItem(list, i));
  return found;
};
let globals = Language.GlobalState.Default;

// tables: {name: [[column, type], …]}; functions: [[name, parameters, body], …]
const know = (tables, functions) => {
  const members = [];
  for (const [name, columns] of Object.entries(tables)) {
    const symbols = columns.map(
      ([column, type]) => new Symbols.ColumnSymbol(column, scalar(type) ?? Symbols.ScalarTypes.String)
    );
    members.push(new Symbols.TableSymbol.$ctor4(name, symbols));
  }
  for (const [name, parameters, body] of functions)
    members.push(new Symbols.FunctionSymbol.$ctor16(name, parameters, body, ""));
  globals = Language.GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("db", members));
};

const judge = (text) => {
  const code = Language.KustoCode.ParseAndAnalyze(text, globals);
  const errors = listed(code.GetDiagnostics())
    .filter((said) => said.Severity === "Error")
    .slice(0, 20)
    .map((said) => ({code: said.Code, message: said.Message, start: said.Start, end: said.End}));
  const type = code.ResultType;
  const tabular = Boolean(type && type.Columns);
  const columns = tabular ? listed(type.Columns).map((c) => [c.Name, c.Type?.Name ?? ""]) : [];
  return JSON.stringify({errors, tabular, columns, open: Boolean(tabular && type.IsOpen)});
};
