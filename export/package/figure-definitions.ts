import type { PackageSettings } from "../../core/package-settings.ts";

/** What the measured figures among a package's settings are, for programs that read them; keys as in the settings. */
export function figureDefinitions({ noise_range, pairs }: PackageSettings): object {
  return {
    ...(noise_range === undefined
      ? {}
      : {
          noise_range:
            "smallest and largest, over the noisy images, of the standard deviation of the noise over the range of the " +
            "signal, both estimated from the image itself",
        }),
    ...(pairs === undefined
      ? {}
      : {
          pairs: {
            count:
              "pairs of a noisy and a clean image; each channel of a pair counts, all its planes and times together",
            psnr_gain_db:
              "PSNR of the denoised minus that of the noisy image, each channel of each pair after its own best gain and " +
              "offset onto the clean image (least squares); data range: the largest less the smallest clean value",
            slope:
              "least-squares slope of all pixels of the denoised against those of the clean image, divided by the same " +
              "slope of the noisy image: 1 where structures keep the height that they have in the noisy image",
          },
        }),
  };
}
