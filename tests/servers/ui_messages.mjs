// A chat route as the AI SDK's documentation builds it, in front of a server that speaks OpenAI Chat.
// Usage: node ui_messages.mjs BASE_URL KEY; prints its port. A request may say `model` and `maxOutputTokens`.
import http from 'node:http';
import { convertToModelMessages, streamText } from 'ai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';

const [baseURL, apiKey] = process.argv.slice(2);
const llama = createOpenAICompatible({ name: 'llama', baseURL, apiKey, includeUsage: true });

const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  try {
    const { messages, model = 'smollm2-135m', maxOutputTokens = 64 } = JSON.parse(body);
    const abort = new AbortController();
    response.on('close', () => abort.abort());
    const result = streamText({
      model: llama(model),
      messages: await convertToModelMessages(messages.filter(message => message.role !== 'system')),
      maxOutputTokens,
      temperature: 0,
      maxRetries: 0,
      abortSignal: abort.signal,
      onError: () => {},
    });
    result.pipeUIMessageStreamToResponse(response, { onError: error => String(error.message) });
  } catch (error) {
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: String(error) }));
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();
