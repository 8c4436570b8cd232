"""What tests let a page compute: the lab in its worker, and one graph by a graphics device."""

# Gives a worker tasks, one after the other, and returns what it says of them; pictures travel as text.
ASK = """async ([tasks]) => {
    const worker = new Worker("browser/worker.js", { type: "module" }), heard = [];
    const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    const letters = (values) => Array.from(new Uint8Array(values.buffer), (c) => String.fromCharCode(c));
    const write = (values) => btoa(letters(values).join(""));
    const ask = (task, number) => new Promise((resolve) => {
        worker.onmessage = ({ data }) => {
            if (data.kind === "finished") return resolve();
            if (data.panel) data.panel.picture = write(data.panel.picture);
            if (data.blocks) data.blocks = [...data.blocks];
            const { mixtures } = data;
            for (const end of mixtures ? ["faithful", "likely"] : []) mixtures[end] = write(mixtures[end]);
            if (data.kind !== "original" && data.kind !== "progress") heard.push(data);
        };
        for (const name of ["picture", "parameters"]) if (task[name]) task[name] = floats(task[name]);
        worker.postMessage({ ...task, number, of: "test" });
    });
    for (const [number, task] of tasks.entries()) await ask(task, number);
    worker.terminate();
    return JSON.stringify(heard);
}"""
# Computes the start's parameters of a picture by the graphics device, here one made of software.
COMPUTE_BY_GPU = """async ([picture]) => {
    const base = new URL("browser/", location.href);
    const manifest = await (await fetch(new URL("manifest.json", base))).json();
    const { Files, unfold } = await import(new URL("weights.js", base));
    const files = new Files(base, manifest, () => {});
    const { script, loader, binary } = manifest.runtimes.webgpu;
    const { env, InferenceSession, Tensor } = await import(new URL(script, base));
    const wasmPaths = { mjs: new URL(loader, base).href };
    Object.assign(env.wasm, { wasmPaths, numThreads: 1, wasmBinary: await files.get(binary) });
    const part = unfold(await files.get("start.bin"), manifest.graphs.start.entries);
    const externalData = [{ path: "start", data: new Uint8Array(part.buffer) }];
    const options = { executionProviders: ["webgpu"], externalData };
    const session = await InferenceSession.create(await files.get("start.onnx"), options);
    const floats = new Float32Array(Uint8Array.from(atob(picture), (c) => c.charCodeAt(0)).buffer);
    const decay = new Tensor("float32", [1], []);
    const images = new Tensor("float32", floats, [1, 3, 224, 224]);
    const { parameters } = await session.run({ picture: images, decay });
    const bytes = Array.from(new Uint8Array(parameters.data.buffer), (c) => String.fromCharCode(c));
    return btoa(bytes.join(""));
}"""
GPU_FLAGS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
