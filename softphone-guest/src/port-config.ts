import { loadConfig } from '@offhook/common';
import type { AllowList } from '@offhook/virtual-channel/port';
import { z } from 'zod';

const nameOrNumber = z.union([z.string().min(1).max(64), z.int().min(0).max(0xff_ff_ff_ff)]);

/** The file that a port helper's `--allow` names. */
export const portHelperConfig = z.object({
  allow: z
    .object({
      users: z
        .array(nameOrNumber)
        .max(256)
        .default([])
        .describe('Users, by name or number, whose programs may use the port'),
      groups: z
        .array(nameOrNumber)
        .max(256)
        .default([])
        .describe(
          'Groups, by name or number; with neither users nor groups, everybody whom the socket’s directory lets through',
        ),
      executables: z
        .array(z.string().startsWith('/', 'must be an absolute path').max(4096))
        .max(256)
        .default([])
        .describe(
          'Programs; any if none is named. To see those of other users the helper needs CAP_SYS_PTRACE',
        ),
    })
    .prefault({})
    .describe('Who may use the port'),
});

/** @throws OffhookError layer `config`. */
export function loadAllowList(path: string): AllowList {
  return loadConfig({ path, schema: portHelperConfig }).allow;
}
