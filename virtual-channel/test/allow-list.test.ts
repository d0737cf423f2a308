import { describe, expect, it } from 'vitest';
import { checkAllowed, type AllowList, type PeerCredentials } from '../src/port/allow-list.ts';
import { parseCredentials } from '../src/port/peer-credentials.ts';

const alice: PeerCredentials = {
  pid: 77,
  uid: 1000,
  user: 'alice',
  groups: [
    { gid: 1000, name: 'alice' },
    { gid: 998, name: 'offhook' },
  ],
  executable: '/usr/lib/offhook/node',
};

function list(part: Partial<AllowList>): AllowList {
  return { users: [], groups: [], executables: [], ...part };
}

describe('who may use a port', () => {
  it.each([
    ['an empty list', list({})],
    ['the name of the user', list({ users: ['bob', 'alice'] })],
    ['the number of the user', list({ users: [1000] })],
    ['a group of the user', list({ users: ['bob'], groups: ['offhook'] })],
    ['the number of a group', list({ groups: [998] })],
    ['the program', list({ executables: ['/usr/lib/offhook/node'] })],
  ])('is let in by %s', (_, allow) => {
    expect(() => checkAllowed(alice, allow)).not.toThrow();
  });

  it.each([
    ['another user', list({ users: ['bob', 1001] }), /user alice \(process 77\) is not on/u],
    ['another group', list({ groups: ['audio'] }), /user alice/u],
    [
      'another program',
      list({ users: ['alice'], executables: ['/usr/bin/nc'] }),
      /\/usr\/lib\/offhook\/node of user alice/u,
    ],
    [
      'only the program',
      list({ users: ['bob'], executables: ['/usr/lib/offhook/node'] }),
      /alice/u,
    ],
  ])('is kept out by %s', (_, allow, message) => {
    expect(() => checkAllowed(alice, allow)).toThrow(message);
  });

  it('does not take a name for a number', () => {
    const stranger = { ...alice, uid: 4242, user: '1000', groups: [{ gid: 4242, name: '998' }] };
    expect(() => checkAllowed(stranger, list({ users: [1000], groups: [998] }))).toThrow(/1000/u);
  });

  it('is kept out when programs are listed and his cannot be told', () => {
    const unseen = { ...alice, executable: undefined };
    expect(() => checkAllowed(unseen, list({ executables: ['/usr/bin/nc'] }))).toThrow(
      /cannot tell which program user alice/u,
    );
  });
});

describe('what the kernel says of a peer', () => {
  it('is read field by field', () => {
    const text = '77\x001000\0alice\0/usr/lib/offhook/node\x001000\0alice\x00998\0offhook\0';
    expect(parseCredentials(text)).toEqual(alice);
  });

  it('may lack names and the program', () => {
    expect(parseCredentials('77\x001000\0\0\x001000\0\0')).toEqual({
      pid: 77,
      uid: 1000,
      user: undefined,
      executable: undefined,
      groups: [{ gid: 1000, name: undefined }],
    });
  });

  it.each(['', '77\0', '77\x001000\0alice\0/bin/sh\0', '77\x001000\0alice\0/bin/sh\x001000\0'])(
    'is refused when it was cut off: %j',
    (text) => {
      expect(() => parseCredentials(text)).toThrow(/cut off/u);
    },
  );
});
