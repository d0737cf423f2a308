/** Bodies of the event packages that more than one program reads. */
export { applyDialogInfo, DIALOG_INFO } from './dialog-info.ts';
export type { DialogName, DialogTable, WatchedDialog } from './dialog-info.ts';
export { escapeXml, parseXml } from './xml.ts';
