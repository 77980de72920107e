// Node-RED without its editor and without a listener of its own: it only runs the flow.
module.exports = {
  flowFile: 'flows.json',
  credentialSecret: false,
  httpAdminRoot: false,
  httpNodeRoot: false,
  // Longer than the service may need, so that a time-out is the service's fault.
  httpRequestTimeout: 15000,
  telemetry: { enabled: false },
  logging: { console: { level: 'info', metrics: false, audit: false } },
};
