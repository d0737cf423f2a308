import { describe, expect, it } from 'vitest';
import { accountsIn, withoutAccount } from '../../src/setup/edit-accounts.ts';

const path = '/etc/offhook/config.toml';

const TEXT = `# mine
[sip]
listen = ["udp:127.0.0.1:5080"]

# the office
[[account]]
aor = "sip:alice@example.com"
password_file = "password"

[account.forward]
busy = "100"

# at home
[[account]]
aor = "sip:bob@example.com"   # not for calls out

# where the engine is
[engine]
channel = "unix:/run/engine.sock"
`;

describe('an account taken out of a configuration', () => {
  it('goes with its tables and the comment above it; all else stays as it was written', () => {
    expect(withoutAccount({ path, text: TEXT }, 'sip:alice@example.com')).toBe(
      TEXT.replace(/# the office[^]*?(?=# at home)/, ''),
    );
    expect(withoutAccount({ path, text: TEXT }, 'sip:bob@example.com')).toBe(
      TEXT.replace(/# at home[^]*?(?=# where)/, ''),
    );
  });

  it('leaves the others in the file', () => {
    const text = withoutAccount({ path, text: TEXT }, 'sip:alice@example.com');
    expect(accountsIn({ path, text }).map(({ aor }) => aor)).toEqual(['sip:bob@example.com']);
  });

  it('is told when it is not there, with those that are', () => {
    expect(() => withoutAccount({ path, text: TEXT }, 'sip:carol@example.com')).toThrow(
      /no account sip:carol@example.com; there are: sip:alice@example.com, sip:bob@example.com/,
    );
  });

  it.each([
    ['an inline list', 'account = [{ aor = "sip:alice@example.com" }]\n'],
    [
      'a header inside of a string',
      '[[account]]\naor = "sip:alice@example.com"\ndisplay_name = """\n[x]\n"""\n',
    ],
  ])('is left to an editor where it is written as %s', (_, text) => {
    expect(() => withoutAccount({ path, text }, 'sip:alice@example.com')).toThrow(
      expect.objectContaining({ code: 'not-editable' }),
    );
  });
});
