// Runs OZmap's official SDK against the simulator whose URL is the first argument, one line per
// check, and fails at the first answer that the SDK does not take as it takes OZmap's own.
// It must never be pointed at a real OZmap: it creates and deletes.

// The SDK logs request bodies and opens a log server on a fixed port; both are off before it loads.
process.env.OZLOGGER_LEVEL = 'quiet';
process.env.OZLOGGER_HTTP = 'false';
process.env.OZLOGGER_SERVER = '127.0.0.1:0';

import assert from 'node:assert/strict';

const [url] = process.argv.slice(2);
const host = url && new URL(url).hostname;
if (!['127.0.0.1', 'localhost', '[::1]'].includes(host)) {
  console.error('usage: node sdk.mjs http://127.0.0.1:PORT (a simulator on this machine)');
  process.exit(2);
}

const { default: loaded } = await import('@ozmap/ozmap-sdk');
const OZMapSDK = loaded.default ?? loaded;
const sdk = new OZMapSDK(url, { apiKey: 'simulator-key' });

const CODE = '123|123';
const PROPERTY = '62d194b46c9401002392c704';
const PROJECT = '62bc9b89a17d2b0030bddc0c';
const BOX = '5da62201493d9c00066655b8';
const UNKNOWN = 'ffffffffffffffffffffffff';

const where = (property, value) => ({ filter: [{ property, operator: '=', value }] });
let created;

const checks = {
  'property.find gives the envelope': async () => {
    const page = await sdk.property.find({ page: 1, limit: 2 });
    assert.equal(page.count, 2);
    assert.equal(page.rows.length, 2);
    assert.ok(page.total > 2);
    assert.match(page.rows[0].id, /^[0-9a-f]{24}$/);
  },
  'property.find filters, selects and sorts': async () => {
    const page = await sdk.property.find({
      ...where('client.code', CODE),
      sorter: [{ property: 'createdAt', direction: -1 }],
      select: 'client address',
    });
    assert.deepEqual(page.rows.map((row) => Object.keys(row).sort()), [['address', 'client', 'id']]);
    assert.equal(page.rows[0].id, PROPERTY);
    assert.equal(page.rows[0].client.code, CODE);
  },
  'property.findOne gives one row or null': async () => {
    assert.equal((await sdk.property.findOne(where('id', PROPERTY))).id, PROPERTY);
    assert.equal(await sdk.property.findOne(where('id', UNKNOWN)), null);
  },
  'property.findAll ends and gives every row once': async () => {
    const all = await sdk.property.findAll({ batchSize: 3 });
    const { total } = await sdk.property.find({ limit: 1 });
    assert.equal(all.length, total);
    assert.equal(new Set(all.map((row) => row.id)).size, total);
  },
  'property.findById gives the property, and null for an unknown id': async () => {
    const found = await sdk.property.findById(PROPERTY);
    assert.equal(found.client.code, CODE);
    assert.equal(found.lat, -27.5782336721312);
    assert.equal(await sdk.property.findById(UNKNOWN), null);
  },
  'property.create reserves the first free port': async () => {
    created = await sdk.property.create({
      project: PROJECT,
      box: BOX,
      address: 'R. do SDK, 1',
      coords: [-48.5, -27.5],
      auto_connect: true,
      force: false,
      client: { code: 'sdk-1', name: 'SDK', implanted: false },
    });
    assert.match(created.id, /^[0-9a-f]{24}$/);
    assert.match(created.client, /^[0-9a-f]{24}$/);
    const [row] = await sdk.apiInstance.get({ route: 'properties/client/sdk-1' });
    assert.equal(row._id, created.id);
    assert.equal(row.connections[0].port, 1);
  },
  'property.create is refused for a code that is in use': async () => {
    const again = { project: PROJECT, box: BOX, coords: [-48.5, -27.5], address: 'x', client: { code: 'sdk-1', name: 'SDK' } };
    await assert.rejects(sdk.property.create(again), (response) => {
      assert.equal(response.status, 400);
      assert.equal(response.data, 'Código sdk-1 já está sendo utilizado no projeto Teste Integração.');
      return true;
    });
  },
  'property.updateById changes the property': async () => {
    await sdk.property.updateById(created.id, { address: 'R. do SDK, 2' });
    assert.equal((await sdk.property.findById(created.id)).address, 'R. do SDK, 2');
  },
  'ftthClient.find finds the customer by code': async () => {
    const page = await sdk.ftthClient.find(where('code', 'sdk-1'));
    assert.deepEqual(page.rows.map((row) => row.id), [created.client]);
  },
  'property.deleteById deletes once, and then rejects with 404': async () => {
    await sdk.property.deleteById(created.id);
    assert.equal(await sdk.property.findById(created.id), null);
    assert.equal(await sdk.ftthClient.findById(created.client), null);
    await assert.rejects(sdk.property.deleteById(created.id), (response) => response.status === 404);
  },
  'apiInstance.get looks a code up, encoded or not': async () => {
    for (const code of [CODE, encodeURIComponent(CODE)]) {
      const rows = await sdk.apiInstance.get({ route: `properties/client/${code}` });
      assert.deepEqual(rows.map((row) => row._id), [PROPERTY]);
      assert.equal(rows[0].client.implanted, false);
    }
    const slash = await sdk.apiInstance.get({ route: `properties/client/${encodeURIComponent('abc/def')}` });
    assert.equal(slash[0].client.code, 'abc/def');
    assert.deepEqual(await sdk.apiInstance.get({ route: 'properties/client/nobody' }), []);
  },
  'a wrong key gets 401': async () => {
    const stranger = new OZMapSDK(url, { apiKey: 'wrong' });
    await assert.rejects(stranger.property.find(), (error) => (error.status ?? error.response?.status) === 401);
  },
  'login and password work': async () => {
    const user = new OZMapSDK(url, { login: 'simulator', password: 'simulator' });
    assert.ok((await user.property.find({ limit: 1 })).total > 0);
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok - ${name}`);
  } catch (error) {
    console.error(`not ok - ${name}: ${error?.message ?? JSON.stringify(error?.data ?? error)}`);
    process.exit(1);
  }
}
process.exit(0);
