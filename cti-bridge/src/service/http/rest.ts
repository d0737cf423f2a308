import type { IncomingMessage, ServerResponse } from 'node:http';
import { OffhookError, type Logger } from '@offhook/common';
import type { Authenticator } from '../authenticator.ts';
import type { Metrics } from '../metrics.ts';
import type { Office } from '../office.ts';
import { isService } from '../wire.ts';
import { readJson, send, sendJson, sendProblem } from './exchange.ts';
import { openApi } from './openapi.ts';
import { page, pageParts } from './page.ts';
import { streamEvents } from './sse.ts';

export interface RestOptions {
  readonly office: Office;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly maxUnread: number;
  /** PBXs that are not there; the bridge is of limited use without them. */
  readonly down: () => readonly string[];
}

/** Serves every request that is not a WebSocket's. */
export async function serveRest(
  options: RestOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { pathname } = new URL(request.url ?? '/', 'http://bridge');
    if (!(await openPage(options, request.method ?? '', pathname, response))) {
      await closedPage(options, request, pathname, response);
    }
  } catch (error) {
    if (!(error instanceof OffhookError)) options.logger.error({ err: error }, 'a request failed');
    sendProblem(response, error);
  }
}

/** What needs no token; it tells nothing of devices or calls. */
async function openPage(
  { down }: RestOptions,
  method: string,
  pathname: string,
  response: ServerResponse,
): Promise<boolean> {
  if (method !== 'GET') return false;
  const part = pageParts[pathname];
  if (pathname === '/') send(response, 200, 'text/html', page);
  else if (part !== undefined) send(response, 200, part.type, part.text);
  else if (pathname === '/openapi.json') sendJson(response, openApi());
  else if (pathname === '/healthz') sendJson(response, { ok: true });
  else if (pathname === '/readyz') {
    const missing = down();
    const status = missing.length === 0 ? 200 : 503;
    send(
      response,
      status,
      'application/json',
      JSON.stringify({ ok: status === 200, down: missing }),
    );
  } else return false;
  return true;
}

async function closedPage(
  options: RestOptions,
  request: IncomingMessage,
  pathname: string,
  response: ServerResponse,
): Promise<void> {
  const { office, authenticator, metrics } = options;
  const who = await authenticator.fromHeader(request.headers.authorization);
  const [, version, area = '', rest] = /^\/(v1)\/([a-z]+)(?:\/([^/]+))?$/.exec(pathname) ?? [];
  const name = rest === undefined ? undefined : decode(rest);
  if (pathname === '/metrics') {
    who.demand('metrics');
    send(response, 200, 'text/plain; version=0.0.4', await metrics.registry.metrics());
  } else if (version === undefined) {
    throw notFound(pathname);
  } else if (area === 'services') {
    if (name === undefined || !isService(name)) throw notFound(pathname);
    demandMethod(request, 'POST');
    const gone = new AbortController();
    response.once('close', () => gone.abort(new OffhookError('cti', 'closed', 'the caller left')));
    const from = request.socket.remoteAddress ?? '';
    const params = await readJson(request);
    const asked = { from, signal: gone.signal };
    sendJson(response, await office.perform(who, name, params, asked));
  } else {
    demandMethod(request, 'GET');
    if (area === 'events' && name === undefined) {
      streamEvents({ ...options, who }, request, response);
    } else if (area === 'devices' && name !== undefined) {
      sendJson(response, office.query(who, 'snapshotDevice', { device: name }));
    } else if (area === 'calls' && name !== undefined) {
      sendJson(response, office.query(who, 'snapshotCall', { call: name }));
    } else if (name === undefined && area === 'devices') {
      sendJson(response, office.query(who, 'devices', {}));
    } else if (name === undefined && area === 'calls') {
      sendJson(response, office.query(who, 'calls', {}));
    } else if (name === undefined && area === 'snapshot') {
      sendJson(response, office.query(who, 'snapshot', {}));
    } else if (name === undefined && area === 'status') {
      sendJson(response, office.query(who, 'systemStatus', {}));
    } else {
      throw notFound(pathname);
    }
  }
}

function demandMethod(request: IncomingMessage, method: string): void {
  if (request.method === method) return;
  throw new OffhookError('cti', 'method-not-allowed', `only ${method} is served there`);
}

function notFound(pathname: string): OffhookError {
  return new OffhookError('cti', 'not-found', `nothing is served at ${pathname.slice(0, 200)}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notFound(text);
  }
}
