export { commandName } from "./command-name.ts";
export { configErrors } from "./errors.ts";
export { inheritedEnvironment } from "./inherited-environment.ts";
export { readOutputSettings, readSettings, type SettingSources } from "./read-settings.ts";
export { settingsReference } from "./reference-page.ts";
export { formatByteSize, type Machine, type Setting } from "./setting.ts";
export { type SettingKey, type Settings, settingTable } from "./settings.ts";
export { workerEnvironment } from "./worker-environment.ts";
