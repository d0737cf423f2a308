#!/usr/bin/env node
import '../dist/offhook.js';
