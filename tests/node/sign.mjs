// Signs requests as the platforms do, with their own libraries, and prints the headers as JSON.
//
// stdin: [{"vendor": "twilio" | "plivo" | "vonage" | "vonage-application" | "standardwebhooks" | "ed25519" | "hmac" |
//   "chatwoot" | "meta",
//   "secret", "method", "url", "params": {"name": "value" | ["value", …]}, "body", "id", "nonce", "timestamp", …}, …]
// stdout: [{"headers": {…}, "url": the address to call}, …]

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const require = createRequire(import.meta.url);
const sha256 = (body) => crypto.createHash('sha256').update(body).digest('hex');

/** What the library hashes to judge a request is what it expects: it verifies, but does not sign. */
function plivo({ secret, method = 'POST', url, params = {}, nonce }) {
  const { validateV3Signature } = require('plivo');
  const { createHmac } = crypto;
  let signature;
  crypto.createHmac = (...key) => {
    const hmac = createHmac(...key);
    const digest = hmac.digest.bind(hmac);
    hmac.digest = (...encoding) => (signature = digest(...encoding));
    return hmac;
  };
  validateV3Signature(method, url, nonce, secret, '', params);
  crypto.createHmac = createHmac;
  assert(validateV3Signature(method, url, nonce, secret, signature, params));
  return { 'X-Plivo-Signature-V3': signature, 'X-Plivo-Signature-V3-Nonce': nonce };
}

function twilio({ secret, url, params = {}, body }) {
  const { getExpectedTwilioSignature, validateRequest, validateRequestWithBody } = require('twilio');
  if (body === undefined) {
    const signature = getExpectedTwilioSignature(secret, url, params);
    assert(validateRequest(secret, signature, url, params));
    return { 'X-Twilio-Signature': signature };
  }
  const hashed = `${url}${url.includes('?') ? '&' : '?'}bodySHA256=${sha256(body)}`;
  const signature = getExpectedTwilioSignature(secret, hashed, {});
  assert(validateRequestWithBody(secret, signature, hashed, body));
  return [{ 'X-Twilio-Signature': signature }, hashed];
}

/** Signed by the library that Vonage's own one signs with, which by itself signs only with an application's key. */
function vonage({ secret, body, timestamp, claims = {} }) {
  const { verifySignature } = require('@vonage/jwt');
  const { sign } = createRequire(require.resolve('@vonage/jwt'))('jsonwebtoken');
  const all = {
    iss: 'Vonage',
    api_key: 'a1b2c3d4',
    application_id: '78d335fa-323d-0114-9c3d-d6f0d48968cf',
    iat: timestamp,
    exp: timestamp + 300,
    jti: crypto.randomUUID(),
    payload_hash: sha256(body),
    ...claims,
  };
  const stated = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  const token = sign(stated, secret, { algorithm: 'HS256', noTimestamp: !('iat' in stated) });
  const isExpired = stated.exp * 1000 < Date.now();
  assert(isExpired || verifySignature(token, secret));
  return { Authorization: `Bearer ${token}` };
}

/** A token that the library makes for calls to Vonage: right, but with another algorithm and another key. */
function vonageApplication({ body, timestamp }) {
  const { tokenGenerate } = require('@vonage/jwt');
  const { privateKey } = crypto.generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const claims = { issued_at: timestamp, payload_hash: sha256(body) };
  return { Authorization: `Bearer ${tokenGenerate('app', privateKey, claims)}` };
}

function standardwebhooks({ secret, id, timestamp, body }) {
  const { Webhook } = require('standardwebhooks');
  const signature = new Webhook(secret).sign(id, new Date(timestamp * 1000), body);
  return { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': signature };
}

/** As Telnyx signs, with the private key whose 32 bytes are the secret, in base64. */
function ed25519({ secret, timestamp, body }) {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(secret, 'base64')]);
  const key = crypto.createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const signature = crypto.sign(null, Buffer.from(`${timestamp}|${body}`), key).toString('base64');
  return { 'telnyx-timestamp': `${timestamp}`, 'telnyx-signature-ed25519': signature };
}

/** The plain HMAC of Chatwoot and jambonz. */
function hmac({ secret, timestamp, body, header }) {
  const hex = crypto.createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { [header]: `t=${timestamp},v1=${hex}` };
}

/** As Chatwoot's webhooks and Meta's are documented; neither has a library that signs. */
function chatwoot({ secret, timestamp, body }) {
  const hex = crypto.createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'X-Chatwoot-Timestamp': `${timestamp}`, 'X-Chatwoot-Signature': `sha256=${hex}` };
}

function meta({ secret, body }) {
  return { 'X-Hub-Signature-256': `sha256=${crypto.createHmac('sha256', secret).update(body).digest('hex')}` };
}

const vendors = { twilio, plivo, vonage, 'vonage-application': vonageApplication, standardwebhooks, ed25519, hmac, chatwoot, meta };
const signed = JSON.parse(await text(process.stdin)).map((request) => {
  const [headers, url] = [vendors[request.vendor](request)].flat();
  return { headers, url: url ?? request.url };
});
console.log(JSON.stringify(signed));
