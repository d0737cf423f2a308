import { OffhookError } from '@offhook/common';

/** A feature code of the configuration, filled in. @throws OffhookError `no-code` */
export function featureCode(text: string | undefined, key: string, extension = ''): string {
  if (text === undefined) {
    throw new OffhookError('call', 'no-code', `no feature code for that`, {
      remedy: `set ${key} in [codes]`,
    });
  }
  return text.replaceAll('{extension}', extension);
}
