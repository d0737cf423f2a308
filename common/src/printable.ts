/** What a peer or device chose (names, URIs, messages) must not steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{C}\n]/gu, '\u{FFFD}');
}
