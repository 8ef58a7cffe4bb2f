/* Where the sums come from. `sha256`: published beside the address by TensorFlow Datasets (url_checksums/) and, for
 * QMNIST, by torchvision (prototype/datasets/_builtin/mnist.py); for MNIST, Fashion-MNIST and KMNIST both publish the
 * same. `content`: computed from MNIST's files and from Debian's dataset-fashion-mnist; it holds whatever the wrapper.
 */
#include "formats/known_sources.h"

#include <string.h>

#define NIST                                                                                                           \
    { "https://biometrics.nist.gov/cs_links/EMNIST/", "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/" }
#define EMNIST                                                                                                         \
    {                                                                                                                  \
        { "gzip.zip", 561753746, "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e", NULL }            \
    }
#define EMNIST_MEMBERS(name)                                                                                           \
    {                                                                                                                  \
        name "-train-images-idx3-ubyte.gz", name "-train-labels-idx1-ubyte.gz", name "-test-images-idx3-ubyte.gz",     \
            name "-test-labels-idx1-ubyte.gz"                                                                          \
    }

static const fv_known_source sources[] = {
    {"mnist",
     {"https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/",
      "http://yann.lecun.com/exdb/mnist/"},
     {{"train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
       "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
      {"train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
       "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
      {"t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
       "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
      {"t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
       "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}},
     FV_PACKED_NOT,
     {NULL}},
    {"fashion-mnist",
     {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
      "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"},
     {{"train-images-idx3-ubyte.gz", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
       "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
      {"train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
       "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
      {"t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
       "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
      {"t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
       "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}},
     FV_PACKED_NOT,
     {NULL}},
    {"kmnist",
     {"https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"},
     {{"train-images-idx3-ubyte.gz", 18165135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
       NULL},
      {"train-labels-idx1-ubyte.gz", 29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", NULL},
      {"t10k-images-idx3-ubyte.gz", 3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", NULL},
      {"t10k-labels-idx1-ubyte.gz", 5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", NULL}},
     FV_PACKED_NOT,
     {NULL}},
    {"qmnist",
     {"https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
      "https://github.com/facebookresearch/qmnist/raw/master/"},
     {{"qmnist-train-images-idx3-ubyte.gz", 0, "9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d",
       NULL},
      {"qmnist-train-labels-idx2-int.gz", 0, "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f", NULL},
      {"qmnist-test-images-idx3-ubyte.gz", 0, "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375", NULL},
      {"qmnist-test-labels-idx2-int.gz", 0, "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06", NULL}},
     FV_PACKED_NOT,
     {NULL}},
    {"emnist-digits", NIST, EMNIST, FV_PACKED_ZIP, EMNIST_MEMBERS("emnist-digits")},
    {"emnist-letters", NIST, EMNIST, FV_PACKED_ZIP, EMNIST_MEMBERS("emnist-letters")},
    {"emnist-balanced", NIST, EMNIST, FV_PACKED_ZIP, EMNIST_MEMBERS("emnist-balanced")},
    {"cifar10",
     {"https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"},
     {{"cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", NULL}},
     FV_PACKED_TAR,
     {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
      "test_batch.bin", "batches.meta.txt"}},
    {"cifar100",
     {"https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"},
     {{"cifar-100-binary.tar.gz", 168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", NULL}},
     FV_PACKED_TAR,
     {"train.bin", "test.bin", "fine_label_names.txt"}},
    {"svhn",
     {"http://ufldl.stanford.edu/housenumbers/"},
     {{"train_32x32.mat", 182040794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", NULL},
      {"test_32x32.mat", 64275384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", NULL}},
     FV_PACKED_NOT,
     {NULL}},
};

const fv_known_source *fv_known_source_at(int index) {
    return index >= 0 && index < (int)(sizeof sources / sizeof *sources) ? &sources[index] : NULL;
}

const fv_known_source *fv_known_source_find(const char *set) {
    const fv_known_source *source;
    for (int i = 0; (source = fv_known_source_at(i)); i++)
        if (strcmp(source->set, set) == 0) return source;
    return NULL;
}
