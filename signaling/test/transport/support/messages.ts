/** Messages written by hand, for tests that speak SIP without sip.js. */

export interface RequestParts {
  readonly method?: string;
  readonly uri?: string;
  readonly branch?: string;
  /** What stands between `SIP/2.0/` and the parameters. */
  readonly sentBy?: string;
  readonly viaParams?: string;
  readonly cseq?: number;
  readonly callId?: string;
  readonly toTag?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export function request(parts: RequestParts = {}): string {
  const method = parts.method ?? 'OPTIONS';
  const to = parts.toTag === undefined ? '' : `;tag=${parts.toTag}`;
  const body = parts.body ?? '';
  return [
    `${method} ${parts.uri ?? 'sip:bob@127.0.0.1'} SIP/2.0`,
    `Via: SIP/2.0/${parts.sentBy ?? 'UDP 127.0.0.1:7000'};branch=${parts.branch ?? 'z9hG4bKtest'}${parts.viaParams ?? ';rport'}`,
    'Max-Forwards: 70',
    'From: <sip:alice@example.com>;tag=alice',
    `To: <sip:bob@example.com>${to}`,
    `Call-ID: ${parts.callId ?? 'call@test'}`,
    `CSeq: ${parts.cseq ?? 1} ${method}`,
    ...(method === 'INVITE' ? ['Contact: <sip:alice@127.0.0.1:7000>'] : []),
    ...(parts.headers ?? []),
    ...(body === '' ? [] : ['Content-Type: text/plain']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** The response to a request as it arrived. */
export function respond(
  to: string,
  status: number,
  options: { toTag?: string; headers?: readonly string[]; reason?: string } = {},
): string {
  const copied = to
    .split('\r\n\r\n', 1)[0]
    ?.split('\r\n')
    .filter((line) => /^(?:via|from|call-id|cseq):/i.test(line));
  const target = /^To: .*$/m.exec(to)?.[0] ?? '';
  const tag = status === 100 || target.includes(';tag=') ? '' : `;tag=${options.toTag ?? 'bob'}`;
  return [
    `SIP/2.0 ${status} ${options.reason ?? 'Reason'}`,
    ...(copied ?? []),
    `${target}${tag}`,
    ...(options.headers ?? []),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

export function header(text: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'im').exec(text)?.[1];
}

export function branchOf(text: string): string | undefined {
  return /;branch=([^;\s]+)/.exec(header(text, 'Via') ?? '')?.[1];
}

export function startLine(text: string): string {
  return text.slice(0, text.indexOf('\r\n'));
}
