// The official TypeScript SDK: lists the tools of a server and calls one.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, key, name, given] = process.argv.slice(2);
const client = new Client({ name: "judge", version: "1" });
const requestInit = { headers: { Authorization: `Bearer ${key}` } };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
const { tools } = await client.listTools();
const answer = await client.callTool({ name, arguments: JSON.parse(given) });
await client.close();
const told = { tools: tools.map((tool) => tool.name), text: answer.content[0].text, is_error: answer.isError };
console.log(JSON.stringify(told));
