import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * The bare node:http server that serving is measured against: it reads the body and answers as many bytes as the
 * prediction server does, headers included, and nothing else.
 */
process.once("message", ({ responseBytes }: { responseBytes: number }) => {
  let padding = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const received = Buffer.concat(chunks);
      const body = Buffer.concat([received, Buffer.alloc(400, 32)]).subarray(0, padding);
      response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
      response.end(body);
    });
  });
  server.listen({ host: "127.0.0.1", port: 0 }, () => {
    // Status line, date, connection, keep-alive and the two headers above.
    const headBytes = 156;
    padding = Math.max(2, responseBytes - headBytes);
    process.send?.({ port: (server.address() as AddressInfo).port });
  });
});
