import { configurationPage } from './configuration.ts';
import { controlApiPage, controlApiSchemaPage } from './control-api.ts';
import { callStatisticsSchema } from './call-statistics.ts';
import { dbusPage } from './dbus.ts';

/** The pages in docs/ that are made from code, by file name. */
export const pages: Readonly<Record<string, () => string>> = {
  'call-statistics.schema.json': callStatisticsSchema,
  'configuration.md': configurationPage,
  'control-api.md': controlApiPage,
  'control-api.schema.json': controlApiSchemaPage,
  'dbus.md': dbusPage,
};
