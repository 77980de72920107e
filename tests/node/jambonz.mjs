// Whether jambonz would carry our answers out: the validator that its own server runs.
//
// stdin: ["the body of an answer", …]; ends with 1 and says why at the first one that is refused.

import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const { validate } = createRequire(import.meta.url)('@jambonz/verb-specifications');
const logger = { info() {}, error() {}, debug() {} };

const answers = JSON.parse(await text(process.stdin));
for (const answer of answers) {
  try {
    const verbs = JSON.parse(answer);
    validate(logger, verbs);
    // It lets an empty list pass, and hangs up without a word.
    if (!verbs.length) throw new Error('there is no verb');
  } catch (error) {
    console.error(`${error.message}: ${answer.slice(0, 2000)}`);
    process.exit(1);
  }
}
console.log(`${answers.length} answers are understood by jambonz`);
