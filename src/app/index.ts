export { type ControlPlane, type ControlPlaneOptions, openControlPlane } from "./control-plane.ts";
export { diagnose, type Finding } from "./diagnose.ts";
export { appErrors } from "./errors.ts";
export { type InspectOptions, inspectSource, type SourceInspection } from "./inspect-source.ts";
export type { ProjectLocation } from "./project-location.ts";
export { type Label, type LabelFile, type LabelFileRequest, readLabels } from "./read-labels.ts";
export { type Restored, type RestoreOptions, restoreBackup } from "./restore.ts";
export { runUp, type UpEvent, type UpOptions } from "./up.ts";
