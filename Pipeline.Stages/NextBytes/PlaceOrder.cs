using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Sorts a head's rows into the order of places, so that the tokens of a range of places are neighbouring rows. Ids without a place come last.
/// </summary>
internal sealed class PlaceOrder
{
    private readonly Tensor _ids_V, _places_V;

    /// <param name="vocabulary">The model's vocabulary.</param>
    /// <param name="rows">V, the number of rows of the head that are tokens.</param>
    /// <param name="device">Where the tensors to be sorted are.</param>
    public PlaceOrder(ByteVocabulary vocabulary, int rows, Device device)
    {
        long[] withPlace = [.. vocabulary.Ids.ToArray().Select(id => (long)id)];
        long[] all = [.. withPlace, .. Enumerable.Range(0, rows).Select(id => (long)id).Except(withPlace)];
        long[] places = new long[rows];
        for (int place = 0; place < rows; place++)
            places[all[place]] = place;
        (_ids_V, _places_V) = (tensor(all, device: device), tensor(places, device: device));
    }

    /// <summary>Puts rows that are in the order of ids into the order of places. Gradients flow back to the original rows.</summary>
    public Tensor Sorted(Tensor perId) => perId.index_select(0, _ids_V);

    /// <summary>Puts rows that are in the order of places back into the order of ids, with zeros at rows that are no token.</summary>
    /// <param name="sorted">The rows by place.</param>
    /// <param name="like">A tensor of the result's shape and type.</param>
    public Tensor Unsorted(Tensor sorted, Tensor like)
    {
        using IDisposable quiet = no_grad();
        return zeros_like(like).index_copy_(0, _ids_V, sorted);
    }

    /// <summary>The places of ids; -1 stays -1.</summary>
    public Tensor PlacesOf(Tensor ids) => _places_V.index_select(0, ids.clamp_min(0)).masked_fill(ids.lt(0), -1);
}
