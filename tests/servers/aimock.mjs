// A server of many protocols that answers from fixtures: @copilotkit/aimock. Prints its port and that of another
// server, which says how many connections the first one has.
import { subscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import { LLMock } from '@copilotkit/aimock';

let open = 0;
let port = 0;
subscribe('net.server.socket', ({ socket }) => {
  if (socket.localPort !== port) return;
  open++;
  socket.on('close', () => open--);
});

const mock = new LLMock({ port: 0 });
mock.onMessage(/Count/, { content: 'one two three four five six seven eight nine ten '.repeat(200) }, { latency: 20, chunkSize: 5 });
mock.onMessage(/long/, { content: 'Once upon a', finishReason: 'length' });
mock.onMessage(/weather/, { toolCalls: [{ name: 'get_weather', arguments: '{"city":"Paris"}' }] });
mock.onMessage(/fail/, { error: { message: 'The model is overloaded.', type: 'server_error' }, status: 503 });
mock.onMessage(/cut/, { content: 'This answer is cut in the middle.' }, { latency: 20, chunkSize: 5, truncateAfterChunks: 4 });
mock.onMessage(/think/, { content: '4', reasoning: 'Easy sum.' });
mock.onMessage(/.*/, { content: 'Good day to you.' }, { chunkSize: 3 });

port = Number(new URL(await mock.start()).port);
const status = http.createServer((_, response) => response.end(String(open)));
status.listen(0, '127.0.0.1', () => console.log(`${port} ${status.address().port}`));
process.stdin.on('end', () => process.exit()).resume();
