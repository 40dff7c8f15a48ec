// Lists models, completes and chats, whole and as a stream, and meets an error; prints all of it as one JSON object. Arguments: URL KEY MODEL.
import OpenAI from "openai";

const [baseURL, apiKey, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

const models = [];
for await (const listed of client.models.list()) models.push(listed.id);

const asked = { model, prompt: "Tom has 3 apples and", max_tokens: 12, temperature: 0 };
const completion = await client.completions.create({ ...asked, logprobs: 2 });
let completionStreamed = "";
for await (const part of await client.completions.create({ ...asked, stream: true })) completionStreamed += part.choices[0].text;

const messages = [{ role: "system", content: "You count." }, { role: "user", content: "Tom has 3 apples and" }];
const talk = { model, messages, max_completion_tokens: 12, temperature: 0 };
const chat = await client.chat.completions.create(talk);
let chatStreamed = "", usage = null;
for await (const part of await client.chat.completions.create({ ...talk, stream: true, stream_options: { include_usage: true } })) {
  chatStreamed += part.choices[0]?.delta.content ?? "";
  usage = part.usage ?? usage;
}
// What the library itself makes of a stream.
const runner = client.chat.completions.stream(talk);
const gathered = await runner.finalContent();

let error = null;
try {
  await client.chat.completions.create({ ...talk, model: "nobody" });
} catch (e) {
  error = { name: e.constructor.name, status: e.status, code: e.code, message: e.message };
}
console.log(JSON.stringify({ models, completion, completionStreamed, chat, chatStreamed, usage, gathered, error }));
