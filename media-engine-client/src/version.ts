/** Of the engine; the contract has versions of its own. */
export const VERSION = '0.1.0';
