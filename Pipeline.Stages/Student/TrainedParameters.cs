using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>Chooses which weights of a student are trained, by the keys <c>train</c>, <c>lora</c> and <c>freeze</c> of the definition.</summary>
internal static class TrainedParameters
{
    /// <summary>Adds adapters if there are to be any, and sets <c>requires_grad</c> of every weight.</summary>
    public static void Choose(LanguageModel student, UpdateStudentOptions options, int seed)
    {
        if (options.Train == TrainMode.Lora) student.Model.AddLora(options.Lora with { Seed = seed });
        IReadOnlyList<string> freeze = options.Freeze;
        if (student.Expansion is { } expansion)
        {
            // The expansion's table is an input embedding, and every mode trains the embeddings.
            bool frozen = freeze.Any(p => NamePattern.Matches(p, ExpandedInput.WeightName));
            expansion.Table_VH.requires_grad = !frozen;
            freeze = [.. freeze.Where(p => !NamePattern.Matches(p, ExpandedInput.WeightName) || student.Model.Parameters.Any(w => NamePattern.Matches(p, w.Name)))];
        }
        student.Model.SetTrainable(
            options.Train switch
            {
                TrainMode.Full => TrainablePart.Full,
                TrainMode.Embeddings => TrainablePart.Embeddings,
                // A new vocabulary cannot be learned by updates of the other layers alone.
                _ => TrainablePart.LoraAndEmbeddings,
            },
            freeze);
    }

    /// <summary>Whether a mode trains the weight with this name, as long as nothing freezes it.</summary>
    public static bool IsTrained(TrainMode mode, string name) => mode == TrainMode.Full || IsEmbedding(name) || (mode == TrainMode.Lora && name.Contains(".lora_", StringComparison.Ordinal));

    public static bool IsEmbedding(string name) => name is WeightNames.Embedding or WeightNames.Head or ExpandedInput.WeightName;

    extension(LanguageModel student)
    {
        /// <summary>All trained weights of the student, the table of its input expansion included.</summary>
        public IReadOnlyList<(string Name, Parameter Tensor)> Trainable =>
        [
            .. student.Model.Parameters.Where(p => p.Tensor.requires_grad),
            .. student.Expansion is { Table_VH.requires_grad: true } expansion ? [(ExpandedInput.WeightName, expansion.Table_VH)] : Array.Empty<(string, Parameter)>(),
        ];

        /// <summary>The trained parameters of the last layer. The norms of their gradients decide the weights of the objectives.</summary>
        public Tensor[] LastLayerParameters
        {
            get
            {
                string prefix = $"model.layers.{student.Model.Config.Layers - 1}.";
                return [.. student.Trainable.Where(p => p.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(p => p.Tensor)];
            }
        }

        /// <summary>
        /// The trained parameters after the last layer: the final norm and the output embeddings, which are the input embeddings too where they are
        /// tied.
        /// </summary>
        public Tensor[] HeadParameters
        {
            get
            {
                string head = student.Model.Config.TieWordEmbeddings ? WeightNames.Embedding : WeightNames.Head;
                return [.. student.Trainable.Where(p => p.Name == head || p.Name == WeightNames.FinalNorm).Select(p => p.Tensor)];
            }
        }
    }
}
