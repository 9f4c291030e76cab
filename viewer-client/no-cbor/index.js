/**
 * NiiVue keeps documents with cbor-x, which tries `new Function` as it loads: the page's policy
 * refuses that, and says so in the console. Documents are not used here.
 */
function none() {
  throw new Error("documents are not used here");
}

export { none as decode, none as encode };
