// Hunts with Microsoft's Graph client for JavaScript, signed in by @azure/identity.
// Reads a job from standard input, and writes the answers to standard output.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.CLIENT_MODULES, "index.js"));
const { ClientCertificateCredential, ClientSecretCredential } = require("@azure/identity");
const { Client } = require("@microsoft/microsoft-graph-client");
const {
  TokenCredentialAuthenticationProvider,
} = require("@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials");

const job = JSON.parse(readFileSync(0, "utf-8"));

function credential() {
  const place = { authorityHost: job.url, disableInstanceDiscovery: true };
  if (job.certificate) {
    const certificate = { certificatePath: job.certificate };
    return new ClientCertificateCredential(job.tenant_id, job.client_id, certificate, place);
  }
  return new ClientSecretCredential(job.tenant_id, job.client_id, job.client_secret, place);
}

const client = Client.initWithMiddleware({
  authProvider: new TokenCredentialAuthenticationProvider(credential(), {
    scopes: ["https://graph.microsoft.com/.default"],
  }),
  baseUrl: job.url,
  customHosts: new Set(["localhost"]),
  defaultVersion: job.version,
});

async function answer(query) {
  try {
    const found = await client.api("/security/runHuntingQuery").post({ query, timespan: "P7D" });
    const schema = Object.fromEntries(found.schema.map(({ name, type }) => [name, type]));
    return { schema, rows: found.results };
  } catch (error) {
    if (!error.statusCode) throw error;
    const { statusCode: status, code, message, requestId } = error;
    return { status, code, message, request_id: requestId };
  }
}

const answers = {};
for (const [name, query] of Object.entries(job.queries)) answers[name] = await answer(query);
process.stdout.write(JSON.stringify(answers));
