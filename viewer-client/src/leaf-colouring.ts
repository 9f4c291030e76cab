/**
 * Colours a volume of leaf labels on the graphics card: label -> colour table -> RGBA texture.
 *
 * The labels are uploaded once. A change of level sends only the table, 256 labels in a row, since
 * one row of 65,535 is longer than textures may be.
 */

const ROW = 256;

const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position = vec4(2.0 * corner - 1.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp int;
precision highp float;
precision highp usampler3D;
uniform usampler3D labels;
uniform highp sampler2D table;
uniform int layer;
out vec4 colour;
void main() {
  int label = int(texelFetch(labels, ivec3(ivec2(gl_FragCoord.xy), layer), 0).r);
  colour = texelFetch(table, ivec2(label & 255, label >> 8), 0);
}`;

export class LeafColouring {
  private readonly program: WebGLProgram;
  private readonly table: WebGLTexture;
  private readonly framebuffer: WebGLFramebuffer;
  private readonly vertexArray: WebGLVertexArrayObject;
  private readonly layer: WebGLUniformLocation | null;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.program = linked(gl);
    this.layer = gl.getUniformLocation(this.program, "layer");
    this.table = gl.createTexture();
    this.framebuffer = gl.createFramebuffer();
    this.vertexArray = gl.createVertexArray();
    gl.bindTexture(gl.TEXTURE_2D, this.table);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    }
    gl.bindTexture(gl.TEXTURE_2D, null);
  }

  /**
   * Paint a whole volume.
   *
   * @param labels Texture of unsigned labels, of the shape of `painted`.
   * @param painted RGBA texture that is painted.
   * @param shape Voxels along x, y, z.
   * @param colours Red, green, blue, opacity of every label.
   */
  paint(
    labels: WebGLTexture,
    painted: WebGLTexture,
    shape: readonly [number, number, number],
    colours: Uint8Array,
  ): void {
    const { gl } = this;
    const viewport = gl.getParameter(gl.VIEWPORT) as Int32Array;
    const enabled = [gl.BLEND, gl.DEPTH_TEST, gl.CULL_FACE, gl.SCISSOR_TEST].filter((each) =>
      gl.isEnabled(each),
    );
    for (const each of enabled) gl.disable(each);
    gl.useProgram(this.program);
    gl.bindVertexArray(this.vertexArray);
    this.sendTable(colours);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_3D, labels);
    gl.uniform1i(gl.getUniformLocation(this.program, "labels"), 0);
    gl.uniform1i(gl.getUniformLocation(this.program, "table"), 1);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
    gl.viewport(0, 0, shape[0], shape[1]);
    for (let z = 0; z < shape[2]; z++) {
      gl.framebufferTextureLayer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, painted, 0, z);
      gl.uniform1i(this.layer, z);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.bindVertexArray(null);
    gl.bindTexture(gl.TEXTURE_3D, null);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, null);
    gl.activeTexture(gl.TEXTURE0);
    gl.viewport(viewport[0], viewport[1], viewport[2], viewport[3]);
    for (const each of enabled) gl.enable(each);
  }

  private sendTable(colours: Uint8Array): void {
    const { gl } = this;
    const rows = Math.ceil(colours.length / 4 / ROW);
    const padded = new Uint8Array(4 * ROW * rows);
    padded.set(colours);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.table);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, ROW, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, padded);
  }
}

function linked(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) throw new Error("The graphics card gave no shader.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(`The colours cannot be computed here: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
