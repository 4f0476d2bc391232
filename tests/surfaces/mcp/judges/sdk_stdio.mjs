// The official TypeScript SDK over standard input and output: starts a program, lists its tools and calls one.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [command, given, name, input] = process.argv.slice(2);
const transport = new StdioClientTransport({ command, args: JSON.parse(given), env: { ...process.env } });
const client = new Client({ name: "judge", version: "1" });
await client.connect(transport);
const { tools } = await client.listTools();
const answer = await client.callTool({ name, arguments: JSON.parse(input) });
await client.close();
const told = { tools: tools.map((tool) => tool.name), text: answer.content[0].text, is_error: answer.isError };
console.log(JSON.stringify(told));
