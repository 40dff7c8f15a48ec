using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Models;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>Gives a model the embeddings of another vocabulary, in the way that the definition names. To be used on the device's thread.</summary>
internal static class NewVocabulary
{
    /// <summary>Replaces the input and output embeddings.</summary>
    /// <param name="model">The model. It gets the new matrices.</param>
    /// <param name="source">The model's own tokenizer.</param>
    /// <param name="target">The tokenizer that it is to have.</param>
    /// <param name="untie">Whether a model with tied embeddings gets a separate output matrix.</param>
    /// <param name="definition">How new embeddings begin.</param>
    /// <param name="run">The run: its seed, and where donors and hypernetworks are.</param>
    /// <exception cref="DefinitionException">The definition names no donor, but the embeddings need one.</exception>
    /// <exception cref="InputException">The donor's tokenizer is not the target.</exception>
    public static void Apply(CausalLm model, TextTokenizer source, TextTokenizer target, bool untie, StudentDefinition definition, RunSite run)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var choice = EmbeddingChoice.Parse(definition.Embeddings);
        bool tied = model.Config.TieWordEmbeddings, two = !tied || untie;
        if (choice.Kind == EmbeddingInitialisation.Hypernetwork)
        {
            (Tensor input_VH, Tensor? output_VH, _) = HypernetworkTransfer.Apply(model, source, target, run.Input(choice.Folder!), run.Storage);
            // For a tied model, a hypernetwork predicts one matrix. If the model is untied, both sides begin with it.
            model.ReplaceEmbeddings(input_VH, two ? output_VH ?? input_VH.clone() : null);
            return;
        }
        using CausalLm? donor = choice.Kind is EmbeddingInitialisation.Omp or EmbeddingInitialisation.Focus ? Donor(definition, target, model, run) : null;
        int seed = run.Definition.Seed;
        Tensor Rows(Tensor old_VH, Tensor? donor_VP, int matrix) => donor_VP is null
            ? VocabularyTransfer.Apply(old_VH, source, target, choice.Kind, (long)(CounterRandom.Key(seed, matrix) >> 1))
            : DonorTransfer.Apply(old_VH, donor_VP, source, target, choice.Kind == EmbeddingInitialisation.Focus);
        // Two draws: rows that are drawn at random must not be the same in input and output.
        Tensor newInput = Rows(model.EmbeddingWeight, donor?.EmbeddingWeight, 0);
        Tensor? newOutput = two ? Rows(model.HeadWeight, donor?.HeadWeight, tied ? 0 : 1) : null;
        model.ReplaceEmbeddings(newInput, newOutput);
    }

    private static CausalLm Donor(StudentDefinition definition, TextTokenizer target, CausalLm model, RunSite run)
    {
        string folder = run.Input(definition.Donor
            ?? throw new DefinitionException($"embeddings '{definition.Embeddings}' needs a \"donor\": a model folder that has the student's tokenizer"));
        TextTokenizer tokenizer = run.Tokenizers.Get(folder);
        if (tokenizer.Fingerprint != target.Fingerprint)
            throw new InputException($"donor {folder}: its tokenizer is {tokenizer.Fingerprint[..12]}, the student's {target.Fingerprint[..12]}; a donor must have the student's tokenizer");
        return CausalLm.Load(folder, run.Storage, model.Device, model.ComputeType);
    }
}
