import { createHash, randomBytes } from 'node:crypto';
import type { Output } from '@offhook/common/cli';

const BYTES = 32;

export function token(output: Output): void {
  const made = randomBytes(BYTES).toString('base64url');
  const sha256 = createHash('sha256').update(made).digest('hex');
  output.out(`${made}\n`);
  output.err(
    `In the configuration:\n\n[[token]]\nname = "who has it"\nsha256 = "${sha256}"\n` +
      `devices = ["*"]\nscopes = ["monitor", "control"]\n`,
  );
}
