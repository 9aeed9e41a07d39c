// The words of a peer's command line (peers.py), and how it ends.
exports.options = ([role, url, mode, codes, asked]) => {
  if (role === "server") return { role, deflate: url === "deflate" };
  return { role, url, deflate: mode === "deflate", codes: numbers(codes), asked: numbers(asked) };
};

const numbers = (list) => list.split(",").filter(Boolean).map(Number);

exports.finish = (failures) => {
  for (const failure of failures) console.log(failure);
  process.exitCode = failures.length > 0 ? 1 : 0;
};
