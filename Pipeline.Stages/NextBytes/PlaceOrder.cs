using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>A model's tokens in the order of their places, those without one behind: where a head lies so, the tokens of a place's range are neighbours.</summary>
internal sealed class PlaceOrder
{
    private readonly Tensor _ids_V, _places_V;

    /// <param name="vocabulary">The model's.</param>
    /// <param name="rows">V, ids that are tokens.</param>
    /// <param name="device">Of the tensors to come.</param>
    public PlaceOrder(ByteVocabulary vocabulary, int rows, Device device)
    {
        long[] ids = [.. vocabulary.Ids.ToArray().Select(id => (long)id)], all = [.. ids, .. Enumerable.Range(0, rows).Select(id => (long)id).Except(ids)], places = new long[rows];
        for (int place = 0; place < rows; place++)
            places[all[place]] = place;
        (_ids_V, _places_V) = (tensor(all, device: device), tensor(places, device: device));
    }

    /// <summary>What there is per id, in the order of places. Goes back to the ids with a gradient.</summary>
    public Tensor Sorted(Tensor perId) => perId.index_select(0, _ids_V);

    /// <summary>What <see cref="Sorted"/> was of, zeros at rows without a token.</summary>
    /// <param name="sorted">By place.</param>
    /// <param name="like">Has the shape of the result.</param>
    public Tensor Unsorted(Tensor sorted, Tensor like)
    {
        using IDisposable quiet = no_grad();
        return zeros_like(like).index_copy_(0, _ids_V, sorted);
    }

    /// <summary>The places of ids; -1 stays.</summary>
    public Tensor PlacesOf(Tensor ids) => _places_V.index_select(0, ids.clamp_min(0)).masked_fill(ids.lt(0), -1);
}
