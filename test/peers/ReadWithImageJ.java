import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * Prints what ImageJ reads in each TIFF, one line of tab-separated fields: file, type, width, height, slices, pixel
 * width, unit, sha256 of the samples (little-endian, in the order of ImageJ's stack), or file, "error", message.
 */
class ReadWithImageJ {
  public static void main(String[] files) throws Exception {
    for (String file : files) System.out.println(file + "\t" + describe(file));
  }

  static String describe(String file) {
    try {
      ImagePlus image = IJ.openImage(file);
      if (image == null) return "error\tImageJ opens nothing";
      ImageStack stack = image.getStack();
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      String type = "";
      for (int slice = 1; slice <= stack.getSize(); slice++) {
        Object pixels = stack.getPixels(slice);
        type = pixels.getClass().getSimpleName();
        digest.update(bytes(pixels));
      }
      var calibration = image.getCalibration();
      return String.join("\t", type, "" + image.getWidth(), "" + image.getHeight(), "" + stack.getSize(),
          "" + calibration.pixelWidth, calibration.getUnit(), HexFormat.of().formatHex(digest.digest()));
    } catch (Throwable error) {
      return "error\t" + error;
    }
  }

  static byte[] bytes(Object pixels) {
    if (pixels instanceof byte[] samples) return samples;
    if (pixels instanceof short[] samples) {
      ByteBuffer buffer = ByteBuffer.allocate(2 * samples.length).order(ByteOrder.LITTLE_ENDIAN);
      buffer.asShortBuffer().put(samples);
      return buffer.array();
    }
    float[] samples = (float[]) pixels;
    ByteBuffer buffer = ByteBuffer.allocate(4 * samples.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asFloatBuffer().put(samples);
    return buffer.array();
  }
}
