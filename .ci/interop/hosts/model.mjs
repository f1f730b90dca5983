// A model that makes the calls of a script, one a turn, then says "Done.", in the three dialects that the hosts speak.
import http from "node:http";

// Each dialect has the path at which the model is asked, what a request holds (the names of the tools that it offers, and
// the results of the calls so far), and the events that answer it with a call or with a text.
const usage = { prompt_tokens: 1, completion_tokens: 1, input_tokens: 1, output_tokens: 1, total_tokens: 2 };

const responses = {
  path: "/responses",
  tools: ({ tools = [] }) => tools.flatMap((space) => (space.tools ?? []).map((tool) => `${space.name}__${tool.name}`)),
  results: ({ input }) => input.filter((item) => item.type.endsWith("_call_output")).map(({ output }) => Array.isArray(output) ? output.map((part) => part.text).join("") : output),
  // To Codex's current models no tool of a server is offered: they write JavaScript that calls it.
  call: (call_id, tool, args, offered) => responses.item(offered
    ? { type: "function_call", call_id, namespace: "mcp__runs", name: tool, arguments: JSON.stringify(args) }
    : { type: "custom_tool_call", call_id, name: "exec", input: `text(await tools.mcp__runs__${tool}(${JSON.stringify(args)}))` }),
  text: (text) => responses.item({ type: "message", role: "assistant", content: [{ type: "output_text", text }] }),
  item: (item) => [{ type: "response.output_item.done", item }, { type: "response.completed", response: { id: "resp_1", usage } }],
};

const chat = {
  path: "/chat/completions",
  tools: ({ tools = [] }) => tools.map((tool) => tool.function.name),
  results: ({ messages }) => messages.filter((message) => message.role === "tool").map((message) => message.content),
  call: (id, tool, args, offered) => chat.delta({ tool_calls: [{ index: 0, id, type: "function", function: { name: offered, arguments: JSON.stringify(args) } }] }, "tool_calls"),
  text: (content) => chat.delta({ content }, "stop"),
  delta: (delta, finish_reason) => [{ id: "chatcmpl_1", object: "chat.completion.chunk", created: 0, model: "scripted", choices: [{ index: 0, delta, finish_reason }], usage }],
};

const gemini = {
  path: ":streamGenerateContent",
  tools: ({ tools = [] }) => tools.flatMap((tool) => tool.functionDeclarations ?? []).map((tool) => tool.name),
  results: ({ contents }) => contents.flatMap((content) => content.parts).filter((part) => part.functionResponse).map((part) => Object.values(part.functionResponse.response).join("")),
  call: (id, tool, args, offered) => gemini.part({ functionCall: { name: offered, args } }),
  text: (text) => gemini.part({ text }),
  part: (part) => [{ candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP" }] }],
};

// serve serves the model. script is a list of calls, each a tool and its arguments; results() is what it was told of them.
export async function serve(script) {
  let results = [];
  const server = http.createServer(async (req, res) => {
    let body = "";
    for await (const chunk of req) body += chunk;
    const { pathname } = new URL(req.url, "http://model");
    const dialect = [responses, chat, gemini].find(({ path }) => pathname.endsWith(path));
    if (!dialect) return res.writeHead(404).end("{}");
    const asked = JSON.parse(body);
    results = dialect.results(asked);
    const [tool, args] = script[results.length] ?? [];
    const offered = dialect.tools(asked).find((name) => name.endsWith(tool)); // with the server's name before it
    const events = tool ? dialect.call(`call_${results.length}`, tool, args, offered) : dialect.text("Done.");
    res.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of events) res.write(`data: ${JSON.stringify(event)}\n\n`);
    res.end(dialect === chat ? "data: [DONE]\n\n" : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => { server.close(); server.closeAllConnections(); };
  return { url: `http://127.0.0.1:${server.address().port}`, results: () => results, close };
}
