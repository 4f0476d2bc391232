// The official TypeScript SDK: lists the tools of a server and calls one, with a key or signing its user in.
import { createInterface } from "node:readline/promises";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, key, name, given] = process.argv.slice(2);
const kept = {};
const authProvider = {
  redirectUrl: "http://127.0.0.1:53123/callback",
  clientMetadata: {
    client_name: "Judge",
    redirect_uris: ["http://127.0.0.1:53123/callback"],
    token_endpoint_auth_method: "none",
  },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  redirectToAuthorization: (address) => console.log(JSON.stringify({ authorize: address.href })),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
};
const how = key ? { requestInit: { headers: { Authorization: `Bearer ${key}` } } } : { authProvider };

async function connected() {
  const transport = new StreamableHTTPClientTransport(new URL(url), how);
  const client = new Client({ name: "judge", version: "1" });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const lines = createInterface({ input: process.stdin });
    const [back] = await new Promise((done) => lines.once("line", (line) => done([line])));
    lines.close();
    await transport.finishAuth(new URL(back).searchParams.get("code"));
    return connected();
  }
  return client;
}

const client = await connected();
const { tools } = await client.listTools();
const answer = await client.callTool({ name, arguments: JSON.parse(given) });
await client.close();
const told = { tools: tools.map((tool) => tool.name), text: answer.content[0].text, is_error: answer.isError };
console.log(JSON.stringify(told));
