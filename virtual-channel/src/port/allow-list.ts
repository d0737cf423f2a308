import { OffhookError } from '@offhook/common';

/** Who has the other end of a Unix socket, as the kernel noted it when it was connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  /** Absent where the system has no name for the number. */
  readonly user: string | undefined;
  readonly groups: readonly { readonly gid: number; readonly name: string | undefined }[];
  /** The program of the process; absent where this process may not know it. */
  readonly executable: string | undefined;
}

/** Who may use a port: one of the users or groups, with one of the programs. */
export interface AllowList {
  /** Names or numbers. With no user and no group listed, everyone who can reach the socket. */
  readonly users: readonly (string | number)[];
  readonly groups: readonly (string | number)[];
  /** Absolute paths; with none listed, any program. */
  readonly executables: readonly string[];
}

/** @throws OffhookError `channel/not-allowed`, which says what the list lacks. */
export function checkAllowed(peer: PeerCredentials, list: AllowList): void {
  const who = `user ${peer.user ?? peer.uid} (process ${peer.pid})`;
  if (!personAllowed(peer, list)) {
    throw notAllowed(`${who} is not on the port helper's list`, 'let the administrator add you');
  }
  if (list.executables.length === 0) return;
  if (peer.executable === undefined) {
    throw notAllowed(
      `the port helper cannot tell which program ${who} runs`,
      'give it CAP_SYS_PTRACE, or list no programs',
    );
  }
  if (!list.executables.includes(peer.executable)) {
    throw notAllowed(`${peer.executable} of ${who} is not on the port helper's list`, undefined);
  }
}

function personAllowed(peer: PeerCredentials, { users, groups }: AllowList): boolean {
  if (users.length === 0 && groups.length === 0) return true;
  if (users.some((one) => one === peer.uid || one === peer.user)) return true;
  return groups.some((one) => peer.groups.some(({ gid, name }) => one === gid || one === name));
}

function notAllowed(message: string, remedy: string | undefined): OffhookError {
  return new OffhookError('channel', 'not-allowed', message, { remedy });
}
