#!/usr/bin/env node
import '../dist/offhook-engine.js';
