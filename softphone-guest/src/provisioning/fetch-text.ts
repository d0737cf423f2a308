import { request } from 'node:https';
import { OffhookError } from '@offhook/common';
import { shown } from './cache.ts';

/** Larger ones are no configuration. */
const MAX_BYTES = 256 * 1024;
const MAX_REDIRECTS = 5;
const DEADLINE_MS = 15_000;

export interface FetchOptions {
  readonly url: string;
  /** PEM; the system's store if absent. */
  readonly ca: string | undefined;
  /** Of what is there already. */
  readonly etag: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Fetched =
  | { readonly changed: false }
  | { readonly changed: true; readonly text: string; readonly etag: string | undefined };

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly etag: string | undefined;
  readonly text: string;
}

/**
 * A text over HTTPS (RFC 9110), and only that: also where a redirection leads. Certificates are
 * verified.
 *
 * @throws OffhookError of layer `config`: `not-reachable`, `refused` (a status that is no success),
 * `too-large`, `insecure` (a redirection that leaves HTTPS).
 */
export async function fetchText(options: FetchOptions): Promise<Fetched> {
  let { url } = options;
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const signal =
    options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  for (let left = MAX_REDIRECTS; left >= 0; left -= 1) {
    const { status, location, etag, text } = await ask(url, { ...options, signal });
    if (status === 304 && options.etag !== undefined) return { changed: false };
    if (status === 200) return { changed: true, text, etag };
    if (status < 300 || status > 399 || location === undefined) {
      throw new OffhookError('config', 'refused', `${shown(url)} answers HTTP ${status}`, {
        remedy: 'check [provisioning] url',
      });
    }
    url = next(url, location);
  }
  throw new OffhookError(
    'config',
    'refused',
    `${shown(url)}: more than ${MAX_REDIRECTS} redirections`,
  );
}

function next(from: string, location: string): string {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (to?.protocol === 'https:') return to.href;
  throw new OffhookError('config', 'insecure', `${shown(from)} leads to where is no HTTPS`, {
    remedy: 'have the server redirect to https: only',
  });
}

async function ask(url: string, options: FetchOptions & { signal: AbortSignal }): Promise<Answer> {
  const { ca, etag, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = request(
    url,
    {
      signal,
      headers: {
        accept: 'application/toml, application/json, text/plain',
        'user-agent': 'Offhook',
        ...(etag !== undefined && { 'if-none-match': etag }),
      },
      ...(ca !== undefined && { ca }),
    },
    (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) {
          reject(
            new OffhookError(
              'config',
              'too-large',
              `${shown(url)} has more than ${MAX_BYTES} bytes`,
            ),
          );
          response.destroy();
        } else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          etag: response.headers.etag,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    },
  );
  outgoing.on('error', reject);
  outgoing.end();
  try {
    return await promise;
  } catch (error) {
    if (error instanceof OffhookError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new OffhookError('config', 'not-reachable', `${shown(url)}: ${why}`, {
      cause: error,
      remedy: 'check the network, the address, and [provisioning] ca',
    });
  }
}
