import type { IncomingMessage, ServerResponse } from 'node:http';
import { OffhookError } from '@offhook/common';
import { problemOf } from './errors.ts';

const MAX_BODY_BYTES = 64 * 1024;

/** The JSON of a request's body. @throws OffhookError `cti`: `too-large`, `invalid-params` */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new OffhookError('cti', 'too-large', `a request has at most ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
  } catch {
    throw new OffhookError('cti', 'invalid-params', 'the body is not JSON');
  }
}

export function sendJson(response: ServerResponse, body: object): void {
  send(response, 200, 'application/json', JSON.stringify(body));
}

export function sendProblem(response: ServerResponse, error: unknown): void {
  const problem = problemOf(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  if (problem.status === 429) response.setHeader('Retry-After', '1');
  send(response, problem.status, 'application/problem+json', JSON.stringify(problem));
}

export function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
  });
  response.end(body);
}
