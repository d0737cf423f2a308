#!/usr/bin/env node
import { launch } from '@offhook/common/launch';

await launch(new URL('../dist/offhook-cti.js', import.meta.url).href);
