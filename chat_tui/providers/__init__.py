"""Where answers come from: HTTP servers, the embedded model, scripted demos."""
