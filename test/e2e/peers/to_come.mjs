// to_come.mjs - features whose tests are written and which are not built yet: those tests are expected to fail. Take out what is built;
// when the list is empty, the file and what uses it can go.
export const TO_COME = [];
export const built = feature => !feature || !TO_COME.includes(feature);
export const needs = feature => (built(feature) ? {} : { todo: `${feature}: not built yet` });
