import { parseDesktopFile, parseSpiceUri, type SpiceSource } from '@offhook/virtual-channel/spice';

export interface Desktop {
  readonly source: SpiceSource;
  /** The `.vv` file, if it is one. */
  readonly file: string | undefined;
  readonly deleteThisFile: boolean;
}

export function isSpiceAddress(text: string): boolean {
  return text.startsWith('spice:');
}

/**
 * Reads a SPICE address or the text of a `.vv` file.
 *
 * @throws OffhookError of layer `config`.
 */
export function readDesktop(text: string, ticket?: string): Desktop {
  if (isSpiceAddress(text)) {
    return { source: parseSpiceUri(text, ticket), file: undefined, deleteThisFile: false };
  }
  const { source, deleteThisFile } = parseDesktopFile(text);
  return {
    source: ticket === undefined ? source : { ...source, password: ticket },
    file: text,
    deleteThisFile,
  };
}
