import { describe, expect, it } from 'vitest';
import { parseReginfo } from '../../src/presence/reginfo.ts';
import { fakePhone, guestConfig } from '../support/fake-phone.ts';

function reginfo(event: string, more = '', uri = 'sip:own@192.0.2.1'): string {
  return `<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="1" state="full">
<registration aor="sip:alice@example.com" id="a" state="terminated">
<contact id="1" state="terminated" event="${event}"${more}><uri>${uri}</uri></contact>
</registration></reginfo>`;
}

async function told(...bodies: readonly string[]) {
  const fake = await fakePhone(guestConfig('reg_event = true'));
  fake.account.setRegistration({
    state: 'registered',
    expiresAt: 1e9,
    registrar: 'sip:example.com',
  });
  const subscription = fake.account.subscriptions.find(({ options }) => options.event === 'reg');
  for (const content of bodies) {
    subscription?.emit('notify', {
      body: { type: 'application/reginfo+xml', content },
      headers: () => [],
    });
  }
  return fake.account.removed;
}

describe('a registration that is watched', () => {
  it.each([
    ['rejected', '', undefined],
    ['unregistered', '', undefined],
    ['probation', ' retry-after="77"', 77],
    ['probation', '', 300],
    ['deactivated', '', 0],
    ['expired', '', 0],
  ])('ends by %s%s: again after %s s', async (event, more, retryAfter) => {
    const [why] = await told(reginfo(event, more));
    expect(why).toMatchObject({ reason: `logged out by the registrar (${event})` });
    expect(why?.retryAfter).toBe(retryAfter);
  });

  it('does not come back again and again', async () => {
    const removed = await told(reginfo('deactivated'), reginfo('deactivated'));
    expect(removed.map(({ retryAfter }) => retryAfter)).toEqual([0, 300]);
  });

  it.each([
    ['the bindings of others', reginfo('rejected', '', 'sip:alice@192.0.2.77')],
    ['nonsense', '<reginfo'],
    ['another document', '<presence/>'],
  ])('is not ended by %s', async (_what, body) => {
    expect(await told(body)).toEqual([]);
  });

  it('may be one of several', () => {
    const two = reginfo('expired').replace(
      '</registration>',
      '<contact state="active" event="created"><uri>sip:b@c</uri></contact></registration>',
    );
    expect(parseReginfo(two)).toHaveLength(2);
    expect(parseReginfo('<presence/>')).toBeUndefined();
  });
});
