import type { ReplacesHeader } from '../../request-api.ts';
import { param, parseParams } from '../message/lexer.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { formatUri, parseUri } from '../message/uri.ts';

export interface ReferTo {
  /** Without headers and method parameter. */
  readonly target: string;
  readonly replaces: ReplacesHeader | undefined;
}

/** Refer-To (RFC 3515 §2.1) for a call; undefined for another method, scheme, or nonsense. */
export function parseReferTo(value: string): ReferTo | undefined {
  const address = parseNameAddr(value);
  const uri = address === undefined ? undefined : parseUri(address.uri);
  if (uri === undefined) return undefined;
  const method = param(uri.params, 'method');
  if (method !== undefined && method.toUpperCase() !== 'INVITE') return undefined;
  const { headers, ...rest } = uri;
  const target = formatUri({ ...rest, params: uri.params.filter(([name]) => name !== 'method') });
  const escaped = uriHeader(headers, 'replaces');
  if (escaped === undefined) return { target, replaces: undefined };
  const replaces = parseReplaces(escaped);
  return replaces === undefined ? undefined : { target, replaces };
}

/** Refer-To for a target, and the dialog that it is to replace. */
export function formatReferTo(target: string, replaces: ReplacesHeader | undefined): string {
  if (replaces === undefined) return `<${target}>`;
  const header = encodeURIComponent(formatReplaces(replaces));
  return `<${target}${target.includes('?') ? '&' : '?'}Replaces=${header}>`;
}

/** RFC 3891 §6.1; undefined when a tag is missing. */
export function parseReplaces(value: string): ReplacesHeader | undefined {
  const semicolon = value.indexOf(';');
  const params = parseParams(semicolon < 0 ? '' : value.slice(semicolon + 1));
  const toTag = param(params, 'to-tag');
  const fromTag = param(params, 'from-tag');
  const callId = value.slice(0, semicolon).trim();
  if (toTag === undefined || fromTag === undefined || callId === '') return undefined;
  const earlyOnly = param(params, 'early-only') !== undefined;
  return { callId, toTag, fromTag, ...(earlyOnly && { earlyOnly }) };
}

export function formatReplaces({ callId, toTag, fromTag, earlyOnly }: ReplacesHeader): string {
  const flag = earlyOnly === true ? ';early-only' : '';
  return `${callId};to-tag=${toTag};from-tag=${fromTag}${flag}`;
}

function uriHeader(headers: string | undefined, wanted: string): string | undefined {
  for (const pair of (headers ?? '').split('&')) {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).toLowerCase() !== wanted) continue;
    try {
      return decodeURIComponent(pair.slice(at + 1));
    } catch {
      return '';
    }
  }
  return undefined;
}
