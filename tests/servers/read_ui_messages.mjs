// What the AI SDK's own reader makes of a stream: bytes in, the message and its errors as JSON out.
import { parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } from 'ai';
import { Readable } from 'node:stream';

const errors = [];
const parts = parseJsonEventStream({ stream: Readable.toWeb(process.stdin), schema: uiMessageChunkSchema })
  .pipeThrough(new TransformStream({
    transform(part, controller) {
      if (part.success) controller.enqueue(part.value);
      else errors.push(String(part.error));
    },
  }));
let message = null;
try {
  for await (const state of readUIMessageStream({ stream: parts, onError: error => errors.push(error.message) })) message = state;
} catch (error) {
  errors.push(error.message);
}
console.log(JSON.stringify({ parts: message?.parts ?? [], errors }));
