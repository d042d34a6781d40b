import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import loci.formats.FormatTools;
import loci.formats.ImageReader;
import loci.formats.MetadataTools;
import ome.units.quantity.Length;

/**
 * Prints what Bio-Formats reads in each file, one line of tab-separated fields: file, pixel type, sizes T C Z Y X
 * joined by commas, byte order, physical size X with unit, channel names joined by "|", sha256 of the samples as
 * stored in T, C, Z order; or file, "error", message.
 */
class ReadWithBioFormats {
  public static void main(String[] files) throws Exception {
    for (String file : files) System.out.println(file + "\t" + describe(file));
  }

  static String describe(String file) {
    try (ImageReader reader = new ImageReader()) {
      var metadata = MetadataTools.createOMEXMLMetadata();
      reader.setMetadataStore(metadata);
      reader.setId(file);
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (int t = 0; t < reader.getSizeT(); t++) {
        for (int c = 0; c < reader.getSizeC(); c++) {
          for (int z = 0; z < reader.getSizeZ(); z++) {
            digest.update(reader.openBytes(reader.getIndex(z, c, t)));
          }
        }
      }
      List<String> names = new ArrayList<>();
      for (int c = 0; c < metadata.getChannelCount(0); c++) {
        String name = metadata.getChannelName(0, c);
        names.add(name == null ? "" : name);
      }
      Length size = metadata.getPixelsPhysicalSizeX(0);
      String sizes = String.format("%d,%d,%d,%d,%d", reader.getSizeT(), reader.getSizeC(), reader.getSizeZ(),
          reader.getSizeY(), reader.getSizeX());
      return String.join("\t", FormatTools.getPixelTypeString(reader.getPixelType()), sizes,
          reader.isLittleEndian() ? "little" : "big",
          size == null ? "" : size.value() + " " + size.unit().getSymbol(), String.join("|", names),
          HexFormat.of().formatHex(digest.digest()));
    } catch (Throwable error) {
      return "error\t" + error;
    }
  }
}
