// The official client for TypeScript: node client.mjs RESOURCE ISSUER. Prints one line of JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [resource, issuer] = process.argv.slice(2);
const scopes = [];
const provider = new ClientCredentialsProvider({
  clientId: "test-client",
  clientSecret: "not-checked",
  expectedIssuer: issuer,
});
// With this grant the client leaves it to the application which scopes it asks for: those of the challenge.
let wanted = "";
const prepare = provider.prepareTokenRequest.bind(provider);
provider.prepareTokenRequest = () => {
  scopes.push(wanted);
  return prepare(wanted);
};
const withChallenge = async (url, init) => {
  const response = await fetch(url, init);
  const challenge = response.headers.get("www-authenticate") ?? "";
  wanted = /scope="([^"]*)"/.exec(challenge)?.[1] ?? wanted;
  return response;
};

const client = new Client({ name: "test", version: "1.0.0" });
const options = { authProvider: provider, fetch: withChallenge };
await client.connect(new StreamableHTTPClientTransport(new URL(resource), options));
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const before = await client.callTool({ name: "list_notes", arguments: {} });
// 403, a wider token, and the call again: by the client itself.
const added = await client.callTool({ name: "add_note", arguments: { text: "buy bread" } });
const progress = [];
const read = await client.callTool({ name: "read_aloud", arguments: {} }, undefined, {
  onprogress: ({ message }) => progress.push(message),
});
await client.close();
const text = (result) => result.content[0].text;
console.log(JSON.stringify({ tools, scopes, before: text(before), added: text(added), progress, read: text(read) }));
