// Writes a heap snapshot of a small program with a planted leak: node leaky.js OUT.heapsnapshot
"use strict";
const v8 = require("v8");

class LeakyObject {
  constructor(number) {
    this.number = number;
    this.me = this;
    LeakyObject.instances.push(this);
  }
}
LeakyObject.instances = [];

for (let number = 0; number < 20; number++) new LeakyObject(number);
v8.writeHeapSnapshot(process.argv[2]);
