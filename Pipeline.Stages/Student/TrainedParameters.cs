using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;

namespace Pipeline.Stages.Student;

/// <summary>Turns a definition's <c>train</c>, <c>lora</c> and <c>freeze</c> into which weights have gradients.</summary>
internal static class TrainedParameters
{
    public static void Choose(StudentModel student, UpdateStudentOptions options, int seed)
    {
        if (options.Train == TrainMode.Lora) student.Model.AddLora(options.Lora with { Seed = seed });
        IReadOnlyList<string> freeze = options.Freeze;
        if (student.Expansion is { } expansion)
        {
            // It is an input embedding, which every mode trains.
            bool frozen = freeze.Any(p => NamePattern.Matches(p, ExpandedInput.WeightName));
            expansion.Table_VH.requires_grad = !frozen;
            freeze = [.. freeze.Where(p => !NamePattern.Matches(p, ExpandedInput.WeightName) || student.Model.Parameters.Any(w => NamePattern.Matches(p, w.Name)))];
        }
        student.Model.SetTrainable(
            options.Train switch
            {
                TrainMode.Full => TrainablePart.Full,
                TrainMode.Embeddings => TrainablePart.Embeddings,
                // A new vocabulary cannot be learned by updates of the body alone.
                _ => TrainablePart.LoraAndEmbeddings,
            },
            freeze);
    }
}
