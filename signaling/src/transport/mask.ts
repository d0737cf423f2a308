const MASK = '***';

/**
 * A SIP message as it may be shown: without digest responses, SDES and other media keys, DTMF
 * digits sent as INFO, and passwords in URIs. What is left is enough to follow a call.
 */
export function maskMessage(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  const body = end < 0 ? '' : text.slice(end);
  return maskHead(head) + maskBody(body);
}

function maskHead(head: string): string {
  return (
    head
      // Credentials, also folded over several lines.
      .replaceAll(
        /^((?:proxy-)?authorization|authentication-info|proxy-authentication-info)([ \t]*:)((?:.*(?:\r\n[ \t])?)*)/gim,
        (_all, name: string, colon: string, value: string) => name + colon + maskCredentials(value),
      )
      // sip:user:password@host (RFC 3261 §19.1.1).
      .replaceAll(/(\bsips?:[^\s:@<>"]+):[^\s@<>"]*@/gi, `$1:${MASK}@`)
  );
}

function maskCredentials(value: string): string {
  if (!/^\s*digest\s/i.test(value) && !/^\s*[a-z]+\s*=/i.test(value)) return ` ${MASK}`;
  return value.replaceAll(
    /\b(response|rspauth|cnonce|nextnonce)(\s*=\s*)("(?:[^"\\]|\\.)*"?|[^\s,]*)/gi,
    `$1$2"${MASK}"`,
  );
}

function maskBody(body: string): string {
  return (
    body
      // SDES keys (RFC 4568), each of several in one line.
      .replaceAll(/(inline:)[^\s|;]+/gi, `$1${MASK}`)
      .replaceAll(/^(a=key-mgmt:\S+)[ \t].*$/gim, `$1 ${MASK}`)
      .replaceAll(/^(k=[a-z0-9]+:).*$/gim, `$1${MASK}`)
      .replaceAll(/^(a=ice-pwd:).*$/gim, `$1${MASK}`)
      // Digits are often a PIN.
      .replaceAll(/^(Signal[ \t]*=[ \t]*).*$/gim, `$1${MASK}`)
  );
}
